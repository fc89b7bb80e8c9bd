"""The harness: a folder that runs by path under the interpreter of the implementation.

`PYTHON conformance/harness TARGET [--path DIR]` answers JSON-RPC 2.0 requests, one message a line, on stdin
and stdout. It needs NumPy, the standard library and, lazily, the framework of the target; nothing else of
this project.
"""
