"""What counting costs: traffic, a real worker under it, and where its time goes."""
