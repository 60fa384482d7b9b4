"""Files made to do harm, by family: for the tests here and `benchmarks/hostile_files.py`."""
