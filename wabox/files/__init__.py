"""Files of customers and agents on a disk."""
