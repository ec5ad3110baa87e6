"""What all HTML pages share: the frame, marked text, and charts."""
