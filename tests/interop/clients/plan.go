// What the Go clients share: the contract of tests/e2e/producers.py, with the settings in the spelling of registry.py.

package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"
)

type header struct {
	name  string
	value []byte // nil: null
}

type record struct {
	partition  int32
	timestamp  int64 // ms
	key, value []byte
	headers    []header
}

type task struct {
	address, topic string
	records        []record
	settings       map[string]string
	failed         bool
}

func blob(text string) []byte {
	if text == "-" {
		return nil
	}
	bytes, err := base64.StdEncoding.DecodeString(text)
	must(err)
	return bytes
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	must(err)
	return value
}

func readRecord(line string) record {
	parts := strings.Split(line, "\t")
	r := record{partition: int32(number(parts[0])), timestamp: number(parts[1]), key: blob(parts[2]), value: blob(parts[3])}
	for _, pair := range strings.FieldsFunc(parts[4], func(c rune) bool { return c == ',' }) {
		name, value, _ := strings.Cut(pair, ":")
		r.headers = append(r.headers, header{string(blob(name)), blob(value)})
	}
	return r
}

func readTask() *task {
	t := &task{address: os.Args[1], topic: os.Args[2], settings: map[string]string{}}
	file, err := os.Open(os.Args[3])
	must(err)
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		t.records = append(t.records, readRecord(lines.Text()))
	}
	must(lines.Err())
	for _, argument := range os.Args[4:] {
		name, value, _ := strings.Cut(argument, "=")
		t.settings[name] = value
	}
	return t
}

// answer prints what the client was told about the record at `index`.
func (t *task) answer(index int, partition int32, offset int64, err error) {
	if err != nil {
		t.failed = true
		fmt.Printf("%d\terror\t%s\n", index, strings.ReplaceAll(err.Error(), "\n", " "))
	} else {
		fmt.Printf("%d\t%d\t%d\n", index, partition, offset)
	}
}

func (t *task) end() {
	if t.failed {
		os.Exit(1)
	}
}
