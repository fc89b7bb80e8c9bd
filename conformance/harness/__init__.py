"""The harness: a folder that runs by path under the judged implementation's own interpreter.

`PYTHON conformance/harness TARGET [--path DIR]` answers JSON-RPC 2.0 requests, one message a line, on stdin
and stdout. It needs NumPy, the standard library and, lazily, the framework of what it judges; nothing else of
this project.
"""
