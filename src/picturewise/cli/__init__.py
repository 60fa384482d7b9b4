"""The command: arguments → one call → lines of output. Heavy imports wait until a command runs."""
