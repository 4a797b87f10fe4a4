"""IAM on the embedded AWS: every call is decided by the policies of who makes it and of what it names."""
