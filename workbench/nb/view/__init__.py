"""Things to look at: each interactive in JupyterLab, a static picture or table everywhere else, and text."""
