"""Files made to harm whoever opens them, by family: for the tests beside this folder and `benchmarks/hostile_files.py`."""
