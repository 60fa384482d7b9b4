"""Networks that another library builds, for those who have it installed. Nothing of it is loaded for anyone else."""
