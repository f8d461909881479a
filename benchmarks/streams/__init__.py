"""Generated streams with known truth, and the product's own code watching them."""
