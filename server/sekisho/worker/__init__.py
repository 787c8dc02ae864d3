"""The worker's door: claims queued jobs and has their rooms do them. The only process with torch and Chroma."""
