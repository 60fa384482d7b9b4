"""Files made to harm whoever opens them, by family: for the tests here and `benchmarks/hostile_files.py`."""
