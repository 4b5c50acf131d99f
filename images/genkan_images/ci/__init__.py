"""Pipelines for the people who build images in a CI of their own, made from the matrix.

What a job does stands in `steps`, as POSIX scripts that both platforms run; GitHub's workflows and GitLab's pipeline
say when it does so, with which rights, and on which machine.
"""
