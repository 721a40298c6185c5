"""The usage server from the command line: which one, with which key, and the file that keeps both."""
