"""Find the names of models in the files of a repository, in whatever language they are written."""
