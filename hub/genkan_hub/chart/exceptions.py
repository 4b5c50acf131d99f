class ChartError(ValueError):
    """The values of the chart cannot be meant so; the message says where, and what to write instead."""
