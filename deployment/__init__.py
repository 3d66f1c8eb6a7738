"""Packaging for AWS (`chalice package`, what it leaves out, and the files generated for it), deployment and removal."""
