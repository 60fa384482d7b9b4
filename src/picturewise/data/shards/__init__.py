"""Pictures in more files than one program should read at once: shards, trees and lists, local or at an address."""
