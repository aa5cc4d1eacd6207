"""What is trained: dense and convolutional networks, the labels they see, the signs of weights."""
