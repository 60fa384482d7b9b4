"""The one door to archives: zip, tar and gzip, with limits on what comes out."""
