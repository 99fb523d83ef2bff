"""What templates say of code hosts."""
