"""Stand-ins of Rekognition and Comprehend on small open models; every answer of theirs is marked as such."""
