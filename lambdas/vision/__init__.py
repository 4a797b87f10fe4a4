"""Images to Rekognition."""
