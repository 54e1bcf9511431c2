"""The pet store: the smallest complete service, made to be read in one sitting and copied."""
