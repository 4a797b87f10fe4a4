"""The `recognition` command: start the embedded AWS, deploy, train, release and recognise."""
