"""What keeps an image back: each gate is a pure function of reports about it.

A report that is missing, of another image, or of nothing keeps the gate shut: what was not looked at has not passed.
"""
