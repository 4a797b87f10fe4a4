"""Problems to the advisor."""
