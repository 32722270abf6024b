"""The providers of repositories, one package each."""
