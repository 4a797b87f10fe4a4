"""The whole app on the embedded AWS: one deployment for all tests of this package, which ends with them."""
