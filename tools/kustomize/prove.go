package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// A line of input: a file, or a directory to build with the objects that it must give.
type order struct {
	Path    string           `json:"path"`
	Text    string           `json:"text"`
	Build   string           `json:"build"`
	Objects []map[string]any `json:"objects"`
}

// A line of output for each build. Equal lists, by their place, the expected objects that were built to the letter and that
// every YAML reader reads alike; Rest is what `kustomize build` prints of all others.
type answer struct {
	Build string `json:"build"`
	Error string `json:"error,omitempty"`
	Equal []int  `json:"equal"`
	Rest  string `json:"rest"`
}

func proveCommand() *cobra.Command {
	var sentinel string
	command := &cobra.Command{
		Use:          "prove",
		Short:        "Builds directories of the files on standard input and tells which objects are the expected ones",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return prove(cmd.InOrStdin(), cmd.OutOrStdout(), plainness{sentinel})
		},
	}
	command.Flags().StringVar(&sentinel, "sentinel", "", "text that must stand in no object")
	return command
}

// prove answers in the order of the builds; files come before the builds that read them. One build at a time: the schema that
// kyaml holds is the process's.
func prove(in io.Reader, out io.Writer, plain plainness) error {
	files := filesys.MakeFsInMemory()
	decoder := json.NewDecoder(bufio.NewReaderSize(in, 1<<20))
	decoder.UseNumber()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for {
		var next order
		if err := decoder.Decode(&next); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
		var err error
		if next.Build == "" {
			err = files.WriteFile(next.Path, []byte(next.Text))
		} else {
			err = encoder.Encode(built(files, next, plain))
		}
		if err != nil {
			return err
		}
	}
}

func built(files filesys.FileSystem, asked order, plain plainness) answer {
	given := answer{Build: asked.Build, Equal: []int{}}
	// The options of the command line, but for the order of the objects, which nobody compares.
	objects, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, asked.Build)
	if err == nil {
		rest := resmap.New()
		given.Equal, err = settled(objects.Resources(), asked.Objects, plain, rest)
		if err == nil {
			var text []byte
			text, err = rest.AsYaml()
			given.Rest = string(text)
		}
	}
	if err != nil {
		given.Error = strings.TrimSpace(err.Error())
	}
	return given
}

// settled returns the places of the expected objects that were built, and puts what is not settled into rest.
func settled(objects []*resource.Resource, expected []map[string]any, plain plainness, rest resmap.ResMap) ([]int, error) {
	places := make(map[identity]int, len(expected))
	for place, object := range expected {
		places[identityOf(object)] = place
	}
	equal := make([]int, 0, len(objects))
	for _, object := range objects {
		var tree map[string]any
		if err := object.YNode().Decode(&tree); err != nil {
			return nil, err
		}
		place, found := places[identityOf(tree)]
		if found && plain.same(tree, expected[place]) {
			delete(places, identityOf(tree)) // a second one of the name is left to the caller
			equal = append(equal, place)
		} else if err := rest.Append(object); err != nil {
			return nil, err
		}
	}
	return equal, nil
}

type identity struct{ apiVersion, kind, namespace, name string }

func identityOf(object map[string]any) identity {
	metadata, _ := object["metadata"].(map[string]any)
	text := func(from map[string]any, key string) string {
		value, _ := from[key].(string)
		return value
	}
	return identity{text(object, "apiVersion"), text(object, "kind"), text(metadata, "namespace"), text(metadata, "name")}
}
