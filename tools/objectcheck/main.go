// Objectcheck says what a Kubernetes API server would say about objects, without one.
//
// It reads one JSON document a line on standard input, either an object or {"id": ..., "object": {...}}, and writes one JSON
// line for each finding, in the order of the input. Kinds of the folders given with --crds are validated as
// k8s.io/apiextensions-apiserver does it: unknown fields, defaulting, schema, list types, CEL rules. Built-in kinds are decoded
// strictly with the types of client-go. Exit status: 0 when all input was read, findings or not; 2 when it could not be.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// Finding is one line of output. Reason is one of unknown-kind, unknown-version, unusable-schema, unknown-field,
// malformed and invalid.
type Finding struct {
	ID      string `json:"id"`
	Reason  string `json:"reason"`
	Field   string `json:"field"`   // as Kubernetes writes it: spec.rules[0].matches
	Pointer string `json:"pointer"` // the same place as a JSON pointer
	Message string `json:"message"`
}

type folders []string

func (f *folders) String() string     { return strings.Join(*f, ",") }
func (f *folders) Set(v string) error { *f = append(*f, v); return nil }

func main() {
	var dirs folders
	flag.Var(&dirs, "crds", "folder of CustomResourceDefinitions; repeatable, the first that has a kind wins")
	flag.Parse()
	library, err := openLibrary(dirs)
	if err == nil {
		err = checkStream(library, os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "objectcheck:", err)
		os.Exit(2)
	}
}

// checkStream checks lines on every core and keeps the order of the findings that of the lines.
func checkStream(library *library, in io.Reader, out io.Writer) error {
	workers := runtime.GOMAXPROCS(0)
	type job struct {
		line []byte
		done chan []Finding
	}
	jobs, queue := make(chan job, workers), make(chan chan []Finding, 4*workers)
	for range workers {
		go func() {
			for j := range jobs {
				j.done <- checkLine(library, j.line)
			}
		}()
	}
	var readErr error
	go func() {
		defer close(queue)
		defer close(jobs)
		reader := bufio.NewReaderSize(in, 1<<20)
		for {
			line, err := reader.ReadBytes('\n')
			if len(bytes.TrimSpace(line)) > 0 {
				done := make(chan []Finding, 1)
				queue <- done
				jobs <- job{line, done}
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					readErr = err
				}
				return
			}
		}
	}()
	writer := bufio.NewWriter(out)
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	for done := range queue {
		for _, finding := range <-done {
			if err := encoder.Encode(finding); err != nil {
				return err
			}
		}
	}
	return errors.Join(readErr, writer.Flush())
}

func checkLine(library *library, line []byte) (findings []Finding) {
	id := ""
	report := func(reason, field, format string, args ...any) {
		findings = append(findings, Finding{id, reason, field, pointerOf(field), fmt.Sprintf(format, args...)})
	}
	// CEL's integer rules fail on float64: apimachinery's decoder keeps whole numbers as int64, as the server does.
	var content map[string]any
	if err := utiljson.Unmarshal(line, &content); err != nil {
		report("malformed", "", "not a JSON object: %v", err)
		return findings
	}
	if wrapped, ok := content["object"].(map[string]any); ok {
		id, _ = content["id"].(string)
		content = wrapped
	}
	object := &unstructured.Unstructured{Object: content}
	gvk := object.GroupVersionKind()
	switch {
	case gvk.Kind == "" || gvk.Version == "":
		report("malformed", "", "apiVersion and kind are required")
	case library.has(gvk.GroupKind()):
		schema, err := library.schema(gvk)
		switch {
		case errors.As(err, &notServed{}):
			report("unknown-version", "apiVersion", "%v", err)
		case err != nil:
			report("unusable-schema", "", "%v", err)
		default:
			checkCustom(schema, object, report)
		}
	case builtin.IsGroupRegistered(gvk.Group):
		checkBuiltin(gvk, object, report)
	default:
		report("unknown-kind", "kind", "no schema for %s", gvk)
	}
	return findings
}

// pointerOf turns spec.rules[0].matches into /spec/rules/0/matches. Keys in brackets may hold dots and slashes.
func pointerOf(field string) string {
	var pointer strings.Builder
	add := func(segment string) {
		if segment != "" {
			pointer.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(segment))
		}
	}
	for field != "" {
		if field[0] == '[' {
			inside, rest, found := strings.Cut(field[1:], "]")
			if !found {
				break
			}
			add(strings.Trim(inside, `"`))
			field = rest
			continue
		}
		end := strings.IndexAny(field, ".[")
		if end < 0 {
			end = len(field)
		}
		add(field[:end])
		if field = field[end:]; strings.HasPrefix(field, ".") {
			field = field[1:]
		}
	}
	return pointer.String()
}
