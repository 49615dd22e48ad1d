package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// library knows which file defines a kind and compiles a schema when its kind is first met: a CRD with CEL rules costs about
// 20 ms, a fleet uses a dozen of the kinds there are.
type library struct {
	files   map[schema.GroupKind]string
	mutex   sync.Mutex
	schemas map[schema.GroupVersionKind]func() (*customSchema, error)
}

type customSchema struct {
	namespaced bool
	hasStatus  bool
	preserve   bool
	structural *structuralschema.Structural
	validator  validation.SchemaValidator
	cel        *cel.Validator
}

// notServed says that the CRD of a kind lacks the version an object is written in.
type notServed struct {
	gvk    schema.GroupVersionKind
	served []string
}

func (n notServed) Error() string {
	return fmt.Sprintf("%s has no version %s; served: %s", n.gvk.GroupKind(), n.gvk.Version, strings.Join(n.served, ", "))
}

// openLibrary indexes the folders: by their index.json ({"group/Kind": "file"}) where there is one, else by reading each file.
func openLibrary(dirs []string) (*library, error) {
	lib := &library{files: map[schema.GroupKind]string{}, schemas: map[schema.GroupVersionKind]func() (*customSchema, error){}}
	for _, dir := range dirs {
		index, err := indexOf(dir)
		if err != nil {
			return nil, err
		}
		for kind, file := range index {
			if _, taken := lib.files[kind]; !taken {
				lib.files[kind] = filepath.Join(dir, file)
			}
		}
	}
	return lib, nil
}

func indexOf(dir string) (map[schema.GroupKind]string, error) {
	index := map[schema.GroupKind]string{}
	text, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return index, scan(dir, index)
	}
	if err != nil {
		return nil, err
	}
	var entries map[string]string
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, fmt.Errorf("%s/index.json: %w", dir, err)
	}
	for key, file := range entries {
		group, kind, _ := strings.Cut(key, "/")
		index[schema.GroupKind{Group: group, Kind: kind}] = file
	}
	return index, nil
}

var crdLine = regexp.MustCompile(`"?kind"?: *"?CustomResourceDefinition"?`)

func scan(dir string, index map[schema.GroupKind]string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		switch filepath.Ext(entry.Name()) {
		case ".yaml", ".yml", ".json":
		default:
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		for _, document := range documents(text) {
			crd, err := decode(document)
			if err != nil {
				return fmt.Errorf("%s: %w", entry.Name(), err)
			}
			index[schema.GroupKind{Group: crd.Spec.Group, Kind: crd.Spec.Names.Kind}] = entry.Name()
		}
	}
	return nil
}

// documents returns the CustomResourceDefinitions of a YAML stream.
func documents(text []byte) (found [][]byte) {
	for _, document := range regexp.MustCompile(`(?m)^---.*$`).Split(string(text), -1) {
		if crdLine.MatchString(document) {
			found = append(found, []byte(document))
		}
	}
	return found
}

func decode(document []byte) (*apiextensionsv1.CustomResourceDefinition, error) {
	return decodeWith(func(text []byte, into any) error { return yaml.Unmarshal(text, into) }, document)
}

func decodeWith(unmarshal func([]byte, any) error, document []byte) (*apiextensionsv1.CustomResourceDefinition, error) {
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := unmarshal(document, crd); err != nil {
		return nil, err
	}
	apiextensionsv1.SetDefaults_CustomResourceDefinition(crd)
	return crd, nil
}

func (l *library) has(kind schema.GroupKind) bool {
	_, found := l.files[kind]
	return found
}

func (l *library) schema(gvk schema.GroupVersionKind) (*customSchema, error) {
	l.mutex.Lock()
	load, found := l.schemas[gvk]
	if !found {
		load = sync.OnceValues(func() (*customSchema, error) { return loadSchema(l.files[gvk.GroupKind()], gvk) })
		l.schemas[gvk] = load
	}
	l.mutex.Unlock()
	return load()
}

func loadSchema(file string, gvk schema.GroupVersionKind) (*customSchema, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(file), "index.json")); err == nil && json.Valid(text) {
		// A folder with an index holds plain JSON, one CRD a file, which the reader of YAML takes four times as long for.
		if crd, err := decodeWith(json.Unmarshal, text); err == nil && crd.Spec.Group == gvk.Group && crd.Spec.Names.Kind == gvk.Kind {
			return compile(crd, gvk)
		}
	}
	for _, document := range documents(text) {
		crd, err := decode(document)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		if crd.Spec.Group == gvk.Group && crd.Spec.Names.Kind == gvk.Kind {
			return compile(crd, gvk)
		}
	}
	return nil, fmt.Errorf("%s does not define %s", filepath.Base(file), gvk.GroupKind())
}

func compile(crd *apiextensionsv1.CustomResourceDefinition, gvk schema.GroupVersionKind) (*customSchema, error) {
	served := []string{}
	for _, version := range crd.Spec.Versions {
		if version.Served {
			served = append(served, version.Name)
		}
		if version.Name != gvk.Version || !version.Served || version.Schema == nil {
			continue
		}
		internal := &apiextensions.CustomResourceValidation{}
		if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(version.Schema, internal, nil); err != nil {
			return nil, err
		}
		structural, err := structuralschema.NewStructural(internal.OpenAPIV3Schema)
		if err != nil {
			return nil, err
		}
		if err := defaulting.PruneDefaults(structural); err != nil {
			return nil, err
		}
		validator, _, err := validation.NewSchemaValidator(internal.OpenAPIV3Schema)
		if err != nil {
			return nil, err
		}
		return &customSchema{
			namespaced: crd.Spec.Scope == apiextensionsv1.NamespaceScoped,
			hasStatus:  version.Subresources != nil && version.Subresources.Status != nil,
			preserve:   crd.Spec.PreserveUnknownFields,
			structural: structural,
			validator:  validator,
			cel:        cel.NewValidator(structural, true, celconfig.PerCallLimit),
		}, nil
	}
	return nil, notServed{gvk, served}
}
