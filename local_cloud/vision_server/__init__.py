"""A server that speaks Rekognition's DetectLabels from a local model. Run it: python -m local_cloud.vision_server."""
