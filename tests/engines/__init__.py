"""vLLM itself, judging what the compiler writes and refuses: `./dev engines`."""
