"""The node agent: one process that stands for all nodes of a sandbox and runs their pods as local processes."""
