"""learn, once an agent: a recorded range of offsets -> bin set and fixed reference."""
