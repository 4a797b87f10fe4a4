"""The functions behind the recognition API: thin handlers over plain functions."""
