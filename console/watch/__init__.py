"""The function behind the page Watch; the folder is what AWS Lambda gets."""
