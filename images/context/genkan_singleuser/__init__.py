"""What runs inside a single-user image beside JupyterLab; nothing but Python's own library."""
