"""Random search for wrong answers: one integer seed, one problem, judged by an independent oracle.

`cases` makes the problem of a seed; `linear`, `folds` and `statistics` judge what the package
makes of it; `runner` goes through blocks of seeds in parallel, and may be stopped and restarted.
What fails is made smaller (`shrink`) and stored (`store`). See ``python -m fuzz --help``, in
tests/.
"""
