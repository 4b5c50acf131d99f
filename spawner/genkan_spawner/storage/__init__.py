"""How full the disks are that many share."""
