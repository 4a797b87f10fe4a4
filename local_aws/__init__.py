"""An AWS on one machine: ministack, our SageMaker, and stand-ins of Rekognition and Comprehend, on 127.0.0.1 only."""
