"""The words of the house as frozen values and pure rules: no disk, no network, no clock."""
