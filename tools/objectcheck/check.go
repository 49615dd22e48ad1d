package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metavalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/client-go/kubernetes/scheme"
)

type reporter func(reason, field, format string, args ...any)

// checkCustom follows the order of the server: decode strictly, default, validate. The steps are those of
// pkg/apiserver/customresource_handler.go and pkg/registry/customresource/strategy.go of apiextensions-apiserver.
func checkCustom(custom *customSchema, object *unstructured.Unstructured, report reporter) {
	if custom.hasStatus {
		delete(object.Object, "status")
	}
	// Config Sync and kubectl put an object without a namespace into one; the rule that one is declared is the compiler's.
	if custom.namespaced && object.GetNamespace() == "" {
		object.SetNamespace("default")
	}
	apiVersion, kind := object.GetAPIVersion(), object.GetKind()
	meta, found, unknown, err := objectmeta.GetObjectMetaWithOptions(object.Object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		report("malformed", "metadata", "%v", err)
		return
	}
	if !custom.preserve {
		options := structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
		unknown = append(unknown, pruning.PruneWithOptions(object.Object, custom.structural, true, options)...)
		defaulting.PruneNonNullableNullsWithoutDefaults(object.Object, custom.structural)
	}
	coerceErr, paths := objectmeta.CoerceWithOptions(nil, object.Object, custom.structural, false, objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	if coerceErr != nil {
		report("malformed", coerceErr.Field, "%s", coerceErr.ErrorBody())
		return
	}
	object.SetAPIVersion(apiVersion)
	object.SetKind(kind)
	if found {
		if err := objectmeta.SetObjectMeta(object.Object, meta); err != nil {
			report("malformed", "metadata", "%v", err)
			return
		}
	}
	for _, path := range append(unknown, paths...) {
		report("unknown-field", path, "unknown field %q", path)
	}
	defaulting.Default(object.Object, custom.structural)
	for _, problem := range validate(custom, object) {
		report("invalid", problem.Field, "%s", problem.ErrorBody())
	}
}

func validate(custom *customSchema, object *unstructured.Unstructured) field.ErrorList {
	problems := metavalidation.ValidateObjectMetaAccessor(object, custom.namespaced, metavalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	problems = append(problems, validation.ValidateCustomResource(nil, object.Object, custom.validator)...)
	problems = append(problems, objectmeta.Validate(nil, object.Object, custom.structural, false)...)
	problems = append(problems, listtype.ValidateListSetsAndMaps(nil, custom.structural, object.Object)...)
	// The server runs no CEL over an object whose shape is wrong: its rules would fail on the shape, not on what they check.
	for _, problem := range problems {
		switch problem.Type {
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			return problems
		}
	}
	if custom.cel != nil {
		broken, _ := custom.cel.Validate(context.Background(), nil, custom.structural, object.Object, nil, celconfig.RuntimeCELCostBudget)
		problems = append(problems, broken...)
	}
	return problems
}

var (
	builtin       = scheme.Scheme
	strictDecoder = serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, builtin, builtin, serializer.SerializerOptions{Strict: true})
	unknownField  = regexp.MustCompile(`^(unknown|duplicate) field "(.*)"$`)
	wrongType     = regexp.MustCompile(`Go struct field \w+\.(\S+) of type`)
)

// checkBuiltin decodes strictly. What the server's own validation adds needs the server: k8s.io/kubernetes holds it, and the
// test suite runs that server.
func checkBuiltin(gvk schema.GroupVersionKind, object *unstructured.Unstructured, report reporter) {
	if !builtin.Recognizes(gvk) {
		report("unknown-kind", "kind", "Kubernetes has no %s", gvk)
		return
	}
	text, err := json.Marshal(object.Object)
	if err == nil {
		_, _, err = strictDecoder.Decode(text, &gvk, nil)
	}
	switch strict, isStrict := runtime.AsStrictDecodingError(err); {
	case isStrict:
		for _, problem := range strict.Errors() {
			message := problem.Error()
			if match := unknownField.FindStringSubmatch(message); match != nil {
				report("unknown-field", match[2], "%s", message)
			} else {
				report("malformed", "", "%s", message)
			}
		}
	case err != nil:
		// A wrong type stops the decoder: the path it names has no list indices.
		path := ""
		if match := wrongType.FindStringSubmatch(err.Error()); match != nil {
			path = match[1]
		}
		report("malformed", path, "%s", strings.TrimPrefix(fmt.Sprint(err), "json: "))
		return
	}
	problems := metav1validation.ValidateLabels(object.GetLabels(), field.NewPath("metadata", "labels"))
	problems = append(problems, metavalidation.ValidateAnnotations(object.GetAnnotations(), field.NewPath("metadata", "annotations"))...)
	if object.GetName() == "" {
		problems = append(problems, field.Required(field.NewPath("metadata", "name"), "name is required"))
	}
	for _, problem := range problems {
		report("invalid", problem.Field, "%s", problem.ErrorBody())
	}
}
