"""Sound cells and layers as others write them: other arguments, names, states and styles than ours.

Each is judged as `sound.MODULE:CLASS`, with this package's folder on the path. None may be accused.
"""
