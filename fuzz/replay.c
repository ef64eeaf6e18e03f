/* Runs a target over the files it is given, and those in the folders it is given: no fuzzer needed.
 * With -v it names each file before it runs. */
#include "fuzz/support.h"

#include <dirent.h>
#include <sys/stat.h>

static size_t count;
static bool verbose;

static void run_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(size > 0 ? size : 1);

    REQUIRE(file != NULL && bytes != NULL);
    REQUIRE(fread(bytes, 1, size, file) == size);
    fclose(file);
    if (verbose)
        fprintf(stderr, "%s\n", path);
    (void)LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    count++;
}

static void run_path(const char *path)
{
    struct stat about;

    if (stat(path, &about) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    if (!S_ISDIR(about.st_mode)) {
        run_file(path, (size_t)about.st_size);
        return;
    }
    DIR *folder = opendir(path);
    REQUIRE(folder != NULL);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char inner[4096];
        REQUIRE(snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name) < (int)sizeof(inner));
        if (stat(inner, &about) == 0 && S_ISREG(about.st_mode))
            run_file(inner, (size_t)about.st_size);
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0)
            verbose = true;
        else
            run_path(argv[i]);
    }
    printf("%zu inputs\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
