"""The console: a small web page on loopback where people see what waits, and answer. Without scripts."""
