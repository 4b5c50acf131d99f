"""What can stand against a start."""

from enum import StrEnum


class Reason(StrEnum):
    """The label of the hub's metric for failed starts, hence a small closed set."""

    ACCESS = "access"
    """The choice is not offered to this user."""
    QUOTA = "quota"
    """The team's or the cluster's share is used up."""
    PRIORITY = "priority"
    """The priority does not exist, or one that is higher took the place."""
    CAPACITY = "capacity"
    """No machine has room."""
    DRIVER = "driver"
    """The image does not run on the machines' drivers or cards."""
    IMAGE = "image"
    """The image cannot be fetched."""
    STORAGE = "storage"
    """Home or volumes cannot be mounted."""
    UNAVAILABLE = "unavailable"
    """The cluster or the hub is not as it should be; administrators have to look."""
