// Kustomize is the kustomize of its module's version with one command more: prove builds many overlays in one process and
// tells which objects are those that the caller expects.
package main

import (
	"os"

	"sigs.k8s.io/kustomize/kustomize/v5/commands"
)

func main() {
	root := commands.NewDefaultCommand()
	root.AddCommand(proveCommand())
	if err := root.Execute(); err != nil {
		os.Exit(1)
	}
}
