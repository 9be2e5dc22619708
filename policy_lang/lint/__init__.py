"""The linter: what a policy grants beyond what its author meant, each finding shown by requests that were asked."""
