"""The file formats of models, for whoever fetches a model and for whoever opens one."""
